"""Which type of object each leak of the project's own corpus leaves behind, read off its source.

Several names where the source leaves several of one rank behind; no entry where no object of
Python's stays: memory of a C library, a descriptor, one object that grows.
"""

from __future__ import annotations

SURVIVING: dict[str, tuple[str, ...]] = {
    "lib_aiohttp_middleware": ("functools.partial", "SystemRoute", "HTTPNotFound"),
    "lib_bson_decode_all": ("CodecOptions",),
    "lib_bson_invalid": ("dict",),
    "lib_cpython_intern": ("str",),
    "lib_frozendict_empty": ("frozendict", "dict"),
    "lib_hiredis_map": ("bytes",),
    "lib_isal_bad_header": ("bytes",),
    "lib_numpy_fill": ("float",),
    "lib_otel_get_tracer": ("_ProxyMeter",),
    "lib_pydantic_type_adapter": ("SchemaValidator", "SchemaSerializer"),
    "lib_sqlalchemy_row": ("str",),
    "lib_sse_starlette": ("Task",),
    "pat_adapter_per_request": ("TypeAdapter",),
    "pat_agent_table": ("dict",),
    "pat_atexit": ("PosixPath",),
    "pat_bus_listener": ("Checkout",),
    "pat_cache_without_bound": ("str",),
    "pat_cached_method": ("Tariff",),
    "pat_context_history": ("dict",),
    "pat_dropped_streams": ("Queue",),
    "pat_engine_per_request": ("Engine",),
    "pat_extra_reference": ("list",),
    "pat_failed_payments": ("Refused",),
    "pat_gc_freeze": ("dict",),
    "pat_gc_off_trees": ("Node",),
    "pat_half_read_streams": ("async_generator",),
    "pat_leak_below_buffer": ("dict",),
    "pat_logger_per_request": ("Logger",),
    "pat_model_per_form": ("ModelMetaclass",),
    "pat_one_in_200": ("dict",),
    "pat_one_of_five": ("str",),
    "pat_pool_thread_local": ("tuple",),
    "pat_queue_of_mail": ("dict",),
    "pat_singleton_exception": ("traceback",),
    "pat_sqlite_kept": ("sqlite3.Connection",),
    "pat_timer_threads": ("Timer",),
    "pat_two_in_sequence": ("dict",),
    "pat_view_history": ("tuple",),
    "pat_visit_log": ("dict",),
    "pat_waiting_tasks": ("Task",),
    "pat_weakref_callbacks": ("ReferenceType", "function"),
}
