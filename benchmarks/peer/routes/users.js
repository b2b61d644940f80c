'use strict';

const express = require('express');

const protect = require('../middleware/protect');

const router = express.Router();

router.get('/me', protect, (req, res) => {
  const { _id, name, email, roles, createdAt, updatedAt } = req.user;
  res.json({ id: _id, name, email, roles, createdAt, updatedAt });
});

module.exports = router;
