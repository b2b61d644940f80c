"""Toxiproxy, which makes the network before a server slow, narrow or mute."""

from chassis.testing.tools.golang import go_tool

TOXIPROXY = go_tool(
    name="toxiproxy",
    module="github.com/Shopify/toxiproxy/v2",
    command="cmd/server",
    version="v2.12.0",
    hash_="h1:d1x++lYZg/zijXPPcv7PH0MvHMzEI5aX/YuUi/Sw+yg=",
    takes="a minute",
)
