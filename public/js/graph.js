// The task graph: levels → places in columns, and the edges between them. Pure.

/**
 * @typedef {{id: string, name: string, level: number, depends?: Record<string, {conditions?: string[]}> | null}} Task
 * @typedef {{id: string, column: number, top: number}} Place in units of a quarter of a row
 * @typedef {{from: string, to: string, conditions: string[], points: {column: number, middle: number}[]}} Edge
 * @typedef {{columns: number, height: number, places: Place[], edges: Edge[]}} Layout
 */

// Heights in grid units: a gap below each item, and the lane of an edge that passes a column.
/** The height of a node. */
export const nodeUnits = 16
const gapUnits = 4
const laneUnits = 6

/**
 * The tasks something depends on, without those that do not exist.
 * @param {Task} task @param {Map<string, Task>} byId
 */
const parentsOf = (task, byId) =>
  Object.entries(task.depends ?? {}).filter(([id]) => byId.has(id) && byId.get(id).level < task.level)

// For each task all that comes before it. Parents stand on lower levels, so one pass in that order is enough.
const ancestorsOf = (tasks, byId) => {
  const ancestors = new Map()
  for (const task of [...tasks].sort((a, b) => a.level - b.level)) {
    const before = parentsOf(task, byId).flatMap(([id]) => [id, ...ancestors.get(id)])
    ancestors.set(task.id, new Set(before))
  }
  return ancestors
}

const plain = conditions => conditions.length === 0 || (conditions.length === 1 && conditions[0] === "on_success")

/**
 * The dependencies worth drawing: one that follows from others anyway only adds a line.
 * @param {Task[]} tasks
 * @returns {{from: string, to: string, conditions: string[]}[]}
 */
export const edgesOf = tasks => {
  const byId = new Map(tasks.map(task => [task.id, task]))
  const ancestors = ancestorsOf(tasks, byId)
  return tasks.flatMap(task => {
    const parents = parentsOf(task, byId)
    return parents
      .map(([from, depend]) => ({ from, to: task.id, conditions: depend?.conditions ?? [] }))
      .filter(edge => !plain(edge.conditions)
        || !parents.some(([other]) => ancestors.get(other).has(edge.from)))
  })
}

// An edge over several levels gets a lane in each level between, so that it never runs behind a node.
const withLanes = (tasks, edges) => {
  const columns = []
  const put = (level, item) => (columns[level] ??= []).push(item)
  const levelOf = new Map(tasks.map(task => [task.id, task.level]))
  for (const task of tasks) put(task.level, { key: task.id, units: nodeUnits, before: [], after: [] })
  const item = (level, key) => columns[level].find(candidate => candidate.key === key)
  const chains = edges.map((edge, index) => {
    const keys = [edge.from]
    for (let level = levelOf.get(edge.from) + 1; level < levelOf.get(edge.to); level += 1) {
      keys.push(`lane ${index} ${level}`)
      put(level, { key: keys.at(-1), units: laneUnits, before: [], after: [] })
    }
    return { edge, keys: [...keys, edge.to] }
  })
  for (const { edge, keys } of chains) {
    const first = levelOf.get(edge.from)
    keys.slice(1).forEach((key, step) => {
      item(first + step + 1, key).before.push(keys[step])
      item(first + step, keys[step]).after.push(key)
    })
  }
  return { columns: Array.from(columns, column => column ?? []), chains }
}

const stack = (column, height) => {
  const total = column.reduce((sum, item) => sum + item.units + gapUnits, -gapUnits)
  let top = Math.floor((height - total) / 2)
  for (const item of column) {
    item.top = top
    top += item.units + gapUnits
  }
}

const middle = item => item.top + item.units / 2

// Orders a column by where the neighbours on one side stand; who has none there stays.
const settle = (column, side, byKey, height) => {
  for (const item of column) {
    const middles = item[side].map(key => middle(byKey.get(key)))
    item.wish = middles.length ? middles.reduce((sum, at) => sum + at, 0) / middles.length : middle(item)
  }
  column.sort((a, b) => a.wish - b.wish)
  stack(column, height)
}

// Sweeps by barycentre keep edges from crossing without need (Sugiyama, Tagawa and Toda, 1981).
const arrange = columns => {
  const height = Math.max(0, ...columns.map(column =>
    column.reduce((sum, item) => sum + item.units + gapUnits, -gapUnits)))
  const byKey = new Map(columns.flat().map(item => [item.key, item]))
  for (const column of columns) stack(column, height)
  for (const column of columns) settle(column, "before", byKey, height)
  for (const column of columns.toReversed()) settle(column, "after", byKey, height)
  for (const column of columns) settle(column, "before", byKey, height)
  return { height, byKey }
}

/**
 * @param {Task[]} tasks
 * @returns {Layout}
 */
export const layout = tasks => {
  const levels = [...new Set(tasks.map(task => task.level))].sort((a, b) => a - b)
  const dense = tasks
    .map(task => ({ ...task, level: levels.indexOf(task.level) }))
    .sort((a, b) => a.level - b.level || a.name.localeCompare(b.name, "en", { numeric: true }))
  const { columns, chains } = withLanes(dense, edgesOf(dense))
  const { height, byKey } = arrange(columns)
  const columnOf = new Map(columns.flatMap((column, index) => column.map(item => [item.key, index])))
  const places = dense.map(task => ({ id: task.id, column: task.level, top: byKey.get(task.id).top }))
  const edges = chains.map(({ edge, keys }) => ({
    ...edge,
    points: keys.map(key => ({ column: columnOf.get(key), middle: middle(byKey.get(key)) })),
  }))
  return { columns: columns.length, height, places: places.sort((a, b) => a.column - b.column || a.top - b.top), edges }
}
