"""A replica of a service as a process: says its port, then answers health checks until it is ended."""

import asyncio

import grpc

from chassis.rpc.health import RpcHealth


async def main() -> None:
    server, health = grpc.aio.server(), RpcHealth()
    await health.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await health.serving()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
