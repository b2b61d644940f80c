"""Every process replaced, one by one, under load through nginx: no request fails, no write is lost or doubled."""
