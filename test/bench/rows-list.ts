/** A revocation list of a million entries, read and indexed, against openssl that prints it. */
import { createCipheriv } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listAuthority, longList } from '../revocation/list-maker.ts'
import { MEMORY_BAR, type Row } from './contest.ts'
import { Failed, shell } from './measure.ts'
import type { Stage } from './stage.ts'

const ENTRIES = 1_000_000
const SERIAL = 16
const UNEQUAL = 'openssl prints each entry and finds none; ours orders them by serial number and finds five.'

/** 128 bits each, positive, the same in every run. */
function serialNumbers(count: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 5), Buffer.alloc(16))
  const serials = cipher.update(Buffer.alloc(count * SERIAL))
  for (let at = 0; at < serials.length; at += SERIAL) serials[at] = 0x40 | ((serials[at] ?? 0) & 0x3f)
  return serials
}

export function listRow({ data }: Stage): Row {
  const count = Math.round(ENTRIES * data.scale)
  const serials = serialNumbers(count)
  const file = join(data.folder, 'million.crl')
  const list = longList(listAuthority(), count, (octets, at) => serials.copy(octets, 0, at * SERIAL, (at + 1) * SERIAL))
  writeFileSync(file, list)
  const asked = [0, 1, Math.floor(count / 2) - 1, count - 1]
  const wanted = asked.map((at) => serials.toString('hex', at * SERIAL, (at + 1) * SERIAL))
  const expected = JSON.stringify({ size: count, reasons: [...asked.map((at) => 1 + (at % 5)), null] })
  const script = fileURLToPath(new URL('list-process.ts', import.meta.url))
  return {
    key: 'crl-million',
    title: `read and index a revocation list of ${count} entries, ${Math.round(list.length / 2 ** 20)} MiB`,
    unequal: UNEQUAL,
    contenders: [
      {
        name: 'sallyport parseList',
        prepare: () => Promise.resolve({ argv: [process.execPath, script, file, ...wanted, '4711'] }),
        check({ stdout }) {
          if (stdout.trim() !== expected) throw new Failed(`it found ${stdout}`)
          return undefined
        },
      },
      {
        name: 'openssl crl -text',
        prepare: () =>
          Promise.resolve({ argv: shell(`openssl crl -inform DER -in ${file} -noout -text > /dev/null && echo done`) }),
        check({ stdout }) {
          if (stdout.trim() !== 'done') throw new Failed('openssl did not read it')
          return undefined
        },
      },
    ],
    bars: [
      { against: ['openssl crl -text'], must: 1, record: 0.5 },
      { ...MEMORY_BAR, must: 256, record: 200 },
    ],
    cold: [],
  }
}
