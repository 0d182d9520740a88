/**
 * @file What runs in the rating page. It reads the package from the page, shows one task at a time as plain text, keeps progress in the browser's
 * storage where that is allowed, and gives the ratings as JSONL. No framework: a file that raters open from disk must last.
 */
export const PAGE_SCRIPT = String.raw`
'use strict'
const data = JSON.parse(document.getElementById('package').textContent)
const tasks = new Map(data.tasks.map((task) => [task.task, task]))
const byId = (id) => document.getElementById(id)
const storageName = (rater) => 'palign-rating ' + data.id + ' ' + rater
const GROUPS = ['left', 'right', 'choice']
let rater = ''
let order = []
let ratings = {}
let place = 0
let stored = true

function store(name, value) {
  try {
    localStorage.setItem(name, value)
  } catch {
    stored = false
  }
}

function stowed(name) {
  try {
    return localStorage.getItem(name)
  } catch {
    stored = false
    return null
  }
}

/** What the storage holds may be of another version or damaged: only ratings that this page could have made are taken. */
function ratingsOf(name) {
  const kept = {}
  let read = {}
  try {
    read = JSON.parse(stowed(name) || '{}') || {}
  } catch {
    read = {}
  }
  for (const task of order) {
    if (!Object.hasOwn(read, task)) continue
    const { choice, left, right } = read[task]
    const isGrade = (grade) => Number.isInteger(grade) && grade >= 1 && grade <= 6
    if (['left', 'right', 'tie', 'both-bad'].includes(choice) && isGrade(left) && isGrade(right)) kept[task] = { choice, left, right }
  }
  return kept
}

function start(chosen) {
  if (!Object.hasOwn(data.assignments, chosen)) return
  rater = chosen
  order = data.assignments[rater]
  byId('rater').value = rater
  ratings = ratingsOf(storageName(rater))
  store('palign-rating ' + data.id, rater)
  const open = order.findIndex((task) => !(task in ratings))
  show(open === -1 ? order.length : open, false)
}

function show(next, moveFocus) {
  place = next
  const done = place >= order.length
  byId('work').hidden = done
  byId('done').hidden = !done
  byId('download').hidden = false
  progress()
  say('')
  if (done) {
    if (moveFocus) byId('done-title').focus()
    return
  }
  const task = tasks.get(order[place])
  byId('task-title').textContent = 'Task ' + (place + 1) + ' of ' + order.length
  byId('persona-part').hidden = !task.persona
  byId('persona').textContent = task.persona || ''
  byId('prompt').textContent = task.prompt
  for (const side of ['left', 'right']) {
    const blank = task[side].trim() === ''
    byId(side + '-text').textContent = blank ? '(no text)' : task[side]
    byId(side + '-text').classList.toggle('blank', blank)
    byId(side + '-text').scrollTop = 0
  }
  const rating = ratings[task.task] || {}
  for (const input of document.querySelectorAll('#work input[type=radio]')) input.checked = String(rating[input.name]) === input.value
  byId('back').disabled = place === 0
  if (moveFocus) {
    window.scrollTo(0, 0)
    byId('task-title').focus()
  }
}

function progress() {
  const rated = Object.keys(ratings).length
  byId('bar').max = order.length
  byId('bar').value = rated
  byId('count').textContent = rated + ' of ' + order.length + ' rated'
  byId('storage').textContent = stored
    ? 'Progress is kept in this browser.'
    : 'This browser keeps nothing: download your ratings before you close the page.'
}

const say = (text) => {
  byId('message').textContent = text
}

function chosen(name) {
  const input = document.querySelector('#work input[name=' + name + ']:checked')
  return input === null ? undefined : input.value
}

function next() {
  const [left, right, choice] = GROUPS.map(chosen)
  const missing = [[left, 'the grade of the left answer'], [right, 'the grade of the right answer'], [choice, 'your choice']]
    .filter(([value]) => value === undefined)
    .map(([, name]) => name)
  if (missing.length > 0) {
    say('Still missing: ' + missing.join(', ') + '.')
    return
  }
  ratings[order[place]] = { choice, left: Number(left), right: Number(right) }
  store(storageName(rater), JSON.stringify(ratings))
  show(place + 1, true)
}

function download() {
  const lines = order
    .filter((task) => task in ratings)
    .map((task) => JSON.stringify({ package: data.id, rater, task, ...ratings[task] }) + '\n')
  if (lines.length === 0) {
    say('Nothing is rated yet.')
    return
  }
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(lines, { type: 'application/jsonl' }))
  link.download = 'ratings-' + data.id + '-' + rater + '.jsonl'
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}

const KEYS = { KeyA: 'left', KeyD: 'right', KeyS: 'tie', KeyX: 'both-bad' }

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return
  if (!byId('shortcuts').checked || byId('work').hidden || event.target instanceof HTMLSelectElement) return
  const digit = /^(?:Digit|Numpad)([1-6])$/.exec(event.code)
  const [name, value] = digit ? [event.shiftKey ? 'right' : 'left', digit[1]] : ['choice', KEYS[event.code]]
  if (value !== undefined) {
    document.querySelector('#work input[name=' + name + '][value="' + value + '"]').checked = true
    say('')
    event.preventDefault()
  } else if (event.key === 'Enter' && !(event.target instanceof HTMLButtonElement)) {
    next()
    event.preventDefault()
  }
}

for (const code of Object.keys(data.assignments)) byId('rater').append(new Option(code, code))
byId('rater').addEventListener('change', () => start(byId('rater').value))
byId('next').addEventListener('click', next)
byId('back').addEventListener('click', () => show(place - 1, true))
byId('review').addEventListener('click', () => show(order.length - 1, true))
byId('download').addEventListener('click', download)
document.addEventListener('keydown', pressed)
start(location.hash.slice(1) || stowed('palign-rating ' + data.id) || '')
`
