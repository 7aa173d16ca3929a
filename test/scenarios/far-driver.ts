/** Runs inside the far network: does what it is told on standard input, a line a call, until that ends. */
import { createInterface } from 'node:readline'
import { OwnHands, type Hand } from './hands.ts'

interface Call {
  readonly id: number
  readonly hand: Hand
  readonly argument: never
}

const hands = new OwnHands()

async function answer({ id, hand, argument }: Call): Promise<void> {
  let told: object
  try {
    told = { id, result: await hands[hand](argument) }
  } catch (error) {
    told = { id, fault: String(error) }
  }
  process.stdout.write(`${JSON.stringify(told)}\n`)
}

const calls = createInterface({ input: process.stdin })
calls.on('line', (line) => void answer(JSON.parse(line) as Call))
calls.on('close', () => void hands.close())
