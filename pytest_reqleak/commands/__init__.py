"""The commands of `reqleak`, one file each: its arguments, and what it does with them."""
