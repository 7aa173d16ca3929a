/** A genuine bundle whose tar somebody has laid hands on. */
import type { Code } from '../../src/errors/index.ts'
import { solo } from './channels.ts'
import { AMD64, oneImage, type Goods } from './goods.ts'
import { pack } from './pack.ts'
import { forgeHeader, type HeaderForgery, type Member } from './tar.ts'
import type { RejectVector } from './vector.ts'

export type Members = (members: Member[]) => Member[] | undefined
export type Pick = (all: Member[]) => Member

/** Two layers; the last member is payload of less than a block. */
export function twoLayers(): Goods {
  return oneImage((shelf) => shelf.tag('1.0', shelf.image('tar', AMD64, [shelf.layer('first'), shelf.layer('second')])))
}

function row(code: Code, reason: string, tar: Buffer, subject = '^offset \\d+$'): RejectVector {
  return { code, reason, tar, subject, pinned: solo, next: 'sequence-9-after-7' }
}

/** The bundle with other members. */
export function members(code: Code, reason: string, edit: Members, subject?: string): RejectVector {
  return row(code, reason, pack(solo, 1, twoLayers(), { members: edit }).tar, subject)
}

/** The bundle with other bytes. */
export function bytes(code: Code, reason: string, edit: (tar: Buffer) => Buffer, subject?: string): RejectVector {
  return row(code, reason, pack(solo, 1, twoLayers(), { tar: edit }).tar, subject)
}

/** The member with this name. */
export function find(all: readonly Member[], name: RegExp, nth = 0): Member {
  const found = all.filter((member) => name.test(member.name))[nth]
  if (found === undefined) throw new TypeError(`no member ${name.source}`)
  return found
}

export const BLOB = /^blobs\//
export const last: Pick = (all) => find(all.toReversed(), BLOB)
export const transfer: Pick = (all) => find(all, /^transfer\.json$/)

/** The member with some fields of its header forged. */
export function header(pick: Pick, forgery: HeaderForgery): Members {
  return (all) => {
    const member = pick(all)
    member.header = forgeHeader(member.body.length, { name: member.name, ...forgery })
    return undefined
  }
}

export function before(pick: Pick, ...added: Member[]): Members {
  return (all) => all.toSpliced(all.indexOf(pick(all)), 0, ...added)
}

/** One bit of the member's body flipped. */
export function flip(pick: Pick, at: number): Members {
  return (all) => {
    const member = pick(all)
    const body = Buffer.from(member.body)
    body[at] = (body[at] ?? 0) ^ 1
    member.body = body
    return undefined
  }
}
