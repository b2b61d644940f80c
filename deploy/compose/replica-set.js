// Run by mongosh as the health check of the compose file's MongoDB: starts a replica set of one member on a new volume,
// then exits 0 when that member is the primary and 1 while it is not.
try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] });
}
quit(db.hello().isWritablePrimary ? 0 : 1);
