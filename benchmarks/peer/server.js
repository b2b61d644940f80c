'use strict';

// The monolith: `npm ci && npm start`. Its settings are the environment's, as read in settings.js.
const mongoose = require('mongoose');

const { createApp } = require('./app');
const logger = require('./logger');
const Task = require('./models/task');
const User = require('./models/user');
const settings = require('./settings');

async function main() {
  await mongoose.connect(settings.mongoUrl, {
    maxPoolSize: 10,
    minPoolSize: 5,
    serverSelectionTimeoutMS: 5000,
    socketTimeoutMS: 45000,
    // As durable as the suite's writes.
    writeConcern: { w: 'majority', journal: true },
  });
  await Promise.all([User.init(), Task.init()]);
  const server = createApp().listen(settings.port, settings.host, (error) => {
    if (error) throw error;
    logger.info('listening', { port: settings.port });
  });
  server.keepAliveTimeout = 30_000;
  process.once('SIGTERM', () => {
    server.close(() => mongoose.disconnect());
    server.closeIdleConnections();
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
