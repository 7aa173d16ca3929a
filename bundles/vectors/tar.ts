/** Tars from members, with every byte of a header open to forgery. */
import { BLOCK, padded } from '../../src/bundle/index.ts'
import { encodeHeader } from '../../src/bundle/tar-header.ts'

export interface Member {
  name: string
  body: Buffer
  /** Header blocks in place of the true ones. */
  header?: Buffer
}

export const END = Buffer.alloc(2 * BLOCK)

export function encodeMembers(members: readonly Member[]): Buffer {
  return Buffer.concat(
    members.flatMap(({ name, body, header }) => [
      header ?? encodeHeader({ name, size: body.length }),
      body,
      Buffer.alloc(padded(body.length) - body.length),
    ]),
  )
}

/** Computes a header block's checksum anew. */
export function resum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')} \0`, 148, 'latin1')
  return block
}

/** What is written over the fields of an honest header block before it is summed. */
export interface HeaderForgery {
  name?: string
  type?: string
  link?: string
  mode?: string
  time?: string
  /** Raw bytes of the 12-byte size field. */
  size?: Buffer | string
  magic?: string
  prefix?: string
  owner?: string
}

function put(block: Buffer, value: string | Buffer | undefined, at: number, length: number): void {
  if (value === undefined) return
  block.fill(0, at, at + length)
  Buffer.from(value as string, 'latin1').copy(block, at, 0, length)
}

/** One header block with a true checksum over whatever it says. */
export function forgeHeader(size: number, forgery: HeaderForgery): Buffer {
  const block = encodeHeader({ name: 'x', size })
  put(block, forgery.name, 0, 100)
  put(block, forgery.mode, 100, 8)
  put(block, forgery.size, 124, 12)
  put(block, forgery.time, 136, 12)
  put(block, forgery.type, 156, 1)
  put(block, forgery.link, 157, 100)
  put(block, forgery.magic, 257, 8)
  put(block, forgery.owner, 265, 32)
  put(block, forgery.prefix, 345, 155)
  return resum(block)
}

/** A member of any type and name; `size` of the header is that of the body unless forged. */
export function forgeMember(forgery: HeaderForgery, body: Buffer | string = ''): Member {
  const bytes = Buffer.from(body as string)
  return { name: forgery.name ?? '', body: bytes, header: forgeHeader(bytes.length, forgery) }
}

/** Records of a PAX header: `length key=value\n`, the length counting itself. */
export function paxRecords(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    let length = rest.length + 1
    while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length
    return `${length}${rest}`
  })
  return Buffer.from(lines.join(''))
}

export function pax(type: 'x' | 'g', records: Readonly<Record<string, string>>): Member {
  return forgeMember({ name: 'PaxHeader', type }, paxRecords(records))
}
