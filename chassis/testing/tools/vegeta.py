"""vegeta, which asks over HTTP what a file says, and tells of every answer how long it took."""

from chassis.testing.tools.golang import go_tool

VEGETA = go_tool(
    name="vegeta",
    module="github.com/tsenart/vegeta/v12",
    command="",
    version="v12.13.0",
    hash_="h1:J/UiNS3f69MkL0tsRLVUUV8uXXQZxdRUchtS+GYiSFc=",
    takes="two minutes",
)
