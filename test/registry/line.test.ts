import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Line, type Turn } from '../../src/registry/line.ts'

const MIB = 1024 * 1024

describe('registry/line', () => {
  /** The turns in the order in which they were given. */
  function entering(line: Line, ...sizes: number[]): Turn[] {
    const turns: Turn[] = []
    for (const size of sizes) void line.enter(size).then((turn) => turns.push(turn))
    return turns
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  it('lets the next one in when the one before is half sent, and no third', async () => {
    const turns = entering(new Line(), 100, 100, 100)
    await settled()
    assert.equal(turns.length, 1)
    turns[0]?.sent(49)
    await settled()
    assert.equal(turns.length, 1)
    turns[0]?.sent(1)
    await settled()
    assert.equal(turns.length, 2)
    turns[1]?.sent(90)
    await settled()
    assert.equal(turns.length, 2)
    turns[0]?.end()
    await settled()
    assert.equal(turns.length, 3)
    turns[0]?.end()
    turns[1]?.end()
    turns[2]?.end()
  })

  it('lets the next one in when all have ended, however little they had sent', async () => {
    const turns = entering(new Line(), 100, 100)
    await settled()
    turns[0]?.end()
    await settled()
    assert.equal(turns.length, 2)
    turns[1]?.end()
  })

  it('lets all of them in, one after the other, where the line is slow', async () => {
    const turns = entering(new Line(), MIB, MIB, MIB, MIB)
    for (let looks = 0; turns.length < 4 && looks < 100; looks++) {
      for (const turn of turns) turn.sent(1)
      await sleep(50)
    }
    assert.equal(turns.length, 4)
  })

  it('keeps them waiting while the line is full', async () => {
    const turns = entering(new Line(), 1024 * MIB * 1024, MIB)
    for (let looks = 0; looks < 30; looks++) {
      turns[0]?.sent(64 * MIB)
      await sleep(20)
    }
    assert.equal(turns.length, 1)
    turns[0]?.end()
    await settled()
    assert.equal(turns.length, 2)
  })
})
