'use strict';

const express = require('express');
const mongoose = require('mongoose');

const { HttpError } = require('../middleware/errors');
const protect = require('../middleware/protect');
const Task = require('../models/task');

const { FIELDS, PRIORITIES, STATUSES } = Task;
const CHANGEABLE = ['title', 'description', 'status', 'priority', 'dueDate'];
const SORTS = ['createdAt', 'updatedAt', 'dueDate', 'priority', 'title'].flatMap((name) => [name, `-${name}`]);
const QUERY = ['page', 'limit', 'sort', 'status', 'priority', 'fields'];
const WHOLE = FIELDS.join(' ');

const router = express.Router();
router.use(protect);

function wrong(field, message) {
  return new HttpError(422, 'The input is wrong', [{ field, message }]);
}

function refuseOthers(input, known) {
  const unknown = Object.keys(input).find((name) => !known.includes(name));
  if (unknown) throw wrong(unknown, 'is not known');
}

function changes(body) {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new HttpError(400, 'No JSON object');
  refuseOthers(body, CHANGEABLE);
  return body;
}

// A parameter that may be absent and is one of these words.
function word(query, name, words, otherwise) {
  const value = query[name] ?? otherwise;
  if (value !== undefined && !words.includes(value)) throw wrong(name, `must be one of ${words.join(', ')}`);
  return value;
}

function count(query, name, otherwise, most) {
  const value = Number(query[name] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 1 || value > most) throw wrong(name, `must be 1 to ${most}`);
  return value;
}

function chosen(query) {
  if (query.fields === undefined) return FIELDS;
  const names = String(query.fields).split(',');
  if (names.some((name) => name !== 'id' && !FIELDS.includes(name))) {
    throw wrong('fields', `must be of id, ${FIELDS.join(', ')}`);
  }
  return FIELDS.filter((name) => names.includes(name));
}

function shown(task, names = FIELDS) {
  const json = { id: task._id };
  for (const name of names) json[name] = task[name] ?? (name === 'description' ? '' : null);
  return json;
}

// The filter of one's own task; what is no id names none.
function own(req) {
  if (!mongoose.isObjectIdOrHexString(req.params.id)) throw new HttpError(404, 'Task not found');
  return { _id: req.params.id, user: req.user._id };
}

function found(task) {
  if (!task) throw new HttpError(404, 'Task not found');
  return task;
}

// Two calls where MongoDB could do with one: secantusd-rs walks the whole collection for findOneAndUpdate.
async function changedTo(update, filter, only = {}) {
  await Task.updateOne({ ...filter, ...only }, { $set: update }, { runValidators: true });
  return shown(found(await Task.findOne(filter).select(WHOLE).lean()));
}

router.get('/', async (req, res) => {
  refuseOthers(req.query, QUERY);
  const page = count(req.query, 'page', 1, 500);
  const limit = count(req.query, 'limit', 20, 100);
  const sort = word(req.query, 'sort', SORTS, '-createdAt');
  const status = word(req.query, 'status', STATUSES);
  const priority = word(req.query, 'priority', PRIORITIES);
  const names = chosen(req.query);
  const filter = { user: req.user._id, ...(status && { status }), ...(priority && { priority }) };
  const [tasks, total] = await Promise.all([
    Task.find(filter).select(names.length ? names.join(' ') : '_id').sort(sort).skip((page - 1) * limit).limit(limit).lean(),
    Task.countDocuments(filter),
  ]);
  res.json({ tasks: tasks.map((task) => shown(task, names)), page, totalPages: Math.ceil(total / limit), total });
});

router.post('/', async (req, res) => {
  const task = await Task.create({ ...changes(req.body), user: req.user._id });
  res.status(201).location(`${req.baseUrl}/${task._id}`).json(shown(task));
});

router.get('/:id', async (req, res) => {
  res.json(shown(found(await Task.findOne(own(req)).select(WHOLE).lean())));
});

router.patch('/:id', async (req, res) => {
  const update = { ...changes(req.body) };
  if (update.status) update.completedAt = update.status === 'completed' ? new Date() : null;
  if (update.description === null) update.description = '';
  res.json(await changedTo(update, own(req)));
});

router.post('/:id/complete', async (req, res) => {
  const update = { status: 'completed', completedAt: new Date() };
  // Completing it again changes nothing.
  res.json(await changedTo(update, own(req), { status: { $ne: 'completed' } }));
});

router.delete('/:id', async (req, res) => {
  const { deletedCount } = await Task.deleteOne(own(req));
  if (!deletedCount) throw new HttpError(404, 'Task not found');
  res.status(204).end();
});

module.exports = router;
