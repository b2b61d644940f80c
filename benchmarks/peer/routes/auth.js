'use strict';

const bcrypt = require('bcrypt');
const express = require('express');
const jwt = require('jsonwebtoken');

const { HttpError } = require('../middleware/errors');
const User = require('../models/user');
const settings = require('../settings');

const router = express.Router();

function session({ _id, name, email, createdAt }) {
  const accessToken = jwt.sign({ id: _id }, settings.jwtSecret, { expiresIn: settings.jwtSeconds });
  return { user: { id: _id, name, email, createdAt }, accessToken, expiresIn: settings.jwtSeconds };
}

function credentials(body) {
  const { email, password } = body ?? {};
  const errors = Object.entries({ email, password })
    .filter(([, value]) => typeof value !== 'string' || !value)
    .map(([field]) => ({ field, message: 'is required' }));
  if (errors.length) throw new HttpError(422, 'The input is wrong', errors);
  return { email: email.trim().toLowerCase(), password };
}

router.post('/register', async (req, res) => {
  const { email, password } = credentials(req.body);
  if (password.length < 8) {
    throw new HttpError(422, 'The input is wrong', [{ field: 'password', message: 'must have 8 characters' }]);
  }
  const user = new User({ name: req.body.name, email, password });
  await user.validate();
  user.password = await bcrypt.hash(password, settings.bcryptRounds);
  try {
    await user.save();
  } catch (error) {
    if (error.code === 11000) throw new HttpError(409, 'The address is registered already');
    throw error;
  }
  res.status(201).json(session(user));
});

router.post('/login', async (req, res) => {
  const { email, password } = credentials(req.body);
  const user = await User.findOne({ email }).select('name email createdAt +password').lean();
  if (!user || !(await bcrypt.compare(password, user.password))) {
    throw new HttpError(401, 'The address or the password is wrong');
  }
  res.json(session(user));
});

module.exports = router;
