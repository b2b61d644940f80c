"""buf, which checks the contracts."""

from chassis.testing.tools.golang import go_tool

BUF = go_tool(
    name="buf",
    module="github.com/bufbuild/buf",
    command="cmd/buf",
    version="v1.75.0",
    hash_="h1:FvUEktoR5wduFOq1j+HmOswL0PM4pjDivLkJ1iwRztg=",
    takes="three to five minutes",
)
