"""What every process of the suite shares: settings, process life, errors, identity, rpc, mongo, events, telemetry."""
