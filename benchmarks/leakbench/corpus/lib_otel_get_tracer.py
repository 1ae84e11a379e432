"""Asks for its tracer in the handler, with no metrics configured: each leaves proxy instruments behind."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "lib_otel_get_tracer",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-python",
    "python": "3.12",
    "requests": [{"path": "/pay/{i}"}],
    "needs": ["starlette==0.41.3", "opentelemetry-sdk==1.40.0"],
    "fixed_needs": ["starlette==0.41.3", "opentelemetry-sdk==1.41.0"],
    "source": "open-telemetry/opentelemetry-python#5016",
    "site": "get_tracer",
    "holder": "opentelemetry.metrics._internal._PROXY_METER_PROVIDER._meters",
    "approx_bytes_per_request": 850.2,
}
trace.set_tracer_provider(TracerProvider())


async def pay(request):
    with trace.get_tracer("payments").start_as_current_span("pay") as span:
        span.set_attribute("order", request.path_params["order"])
        return JSONResponse({"paid": True})


app = Starlette(routes=[Route("/pay/{order}", pay)])
