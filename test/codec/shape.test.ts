import assert from 'node:assert/strict'
import * as z from 'zod'
import { shapedList, shapedTable } from '../../src/codec/index.ts'

const member = z.strictObject({ n: z.int() })
const shape = z.strictObject({
  list: shapedList(z, member, { min: 1, max: 1000 }),
  table: shapedTable(z, z.string().regex(/^a/, 'begins with a'), member).optional(),
})

function faults(value: unknown): string[] {
  return (shape.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('codec/shape', () => {
  it('reads lists and tables as zod does', () => {
    const value = { list: [{ n: 1 }, { n: 2 }], table: { a: { n: 3 }, ab: { n: 4 } } }
    assert.deepEqual(shape.parse(value), value)
    assert.deepEqual(shape.parse({ list: [{ n: 1 }] }), { list: [{ n: 1 }] })
  })

  it('tells where a fault is', () => {
    assert.deepEqual(faults({ list: [{ n: 1 }, { n: 'x' }], table: { b: { n: 1 }, a: { n: 1, m: 2 } } }), [
      'list.1.n: Invalid input: expected number, received string',
      'table.b: begins with a',
      'table.a: Unrecognized key: "m"',
    ])
    assert.deepEqual(faults({ list: {} }), ['list: Invalid input: expected array, received object'])
    assert.deepEqual(faults({ list: [] }), ['list: Too small: expected array to have >=1 items'])
  })

  it('tells of the first faults alone, and looks at no item of a list that is too long', () => {
    assert.equal(faults({ list: Array(1000).fill(0) }).length, 16)
    assert.deepEqual(faults({ list: Array(1001).fill(0) }), ['list: Too big: expected array to have <=1000 items'])
    const table = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`a${i}`, 0]))
    assert.equal(faults({ list: [{ n: 1 }], table }).length, 16)
  })

  it('keeps a member that is called as the prototype is', () => {
    const odd = shapedTable(z, z.string(), z.int()).parse(JSON.parse('{"constructor":1,"toString":2}'))
    assert.deepEqual(Object.entries(odd), [
      ['constructor', 1],
      ['toString', 2],
    ])
  })
})
