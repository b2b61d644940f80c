"""oasdiff, which tells what a change of the OpenAPI document breaks."""

from chassis.testing.tools.golang import go_tool

OASDIFF = go_tool(
    name="oasdiff",
    module="github.com/oasdiff/oasdiff",
    command="",
    version="v1.37.0",
    hash_="h1:4/KuuhVDHF7ltTYNPRvdn9IIbcPRvGRTdJxBErbD5pQ=",
    takes="half a minute",
)
