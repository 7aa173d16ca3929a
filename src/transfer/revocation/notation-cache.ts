/**
 * Notation's own cache of revocation lists, as notation-go reads it: `crl/<SHA-256 of the URL>`, a whole list and its
 * delta. Notation proves signatures when it uses a list and never asks whether a newer one was seen: that is ours.
 */
import { hash } from 'node:crypto'
import { lstatSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../codec/index.ts'
import { placeFile, syncFolder } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { LIST_CAP, parseList, type RevocationList } from '../../revocation/index.ts'

/** A whole list, and the delta that belongs to it. */
export interface ListPair {
  base: RevocationList
  delta?: RevocationList | undefined
}

/** Two lists in base64, and what stands around them. */
const FILE_CAP = 3 * LIST_CAP
/** Far above the three that there are: what else a file of that size holds would exhaust memory. */
const VALUES = 16
const schema = z.strictObject({ baseCRL: z.base64(), deltaCRL: z.base64().optional() })

export function listFolder(cache: string): string {
  return join(cache, 'crl')
}

/** Where notation looks for the list of a URL. */
export function cacheFile(cache: string, url: string): string {
  return join(listFolder(cache), hash('sha256', url))
}

function contentOf({ base, delta }: ListPair): string {
  const lists = { baseCRL: base.der.toString('base64'), deltaCRL: delta?.der.toString('base64') }
  return JSON.stringify(lists)
}

function readWhole(file: string): Buffer | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false })
  return stat?.isFile() === true && stat.size <= FILE_CAP ? readFileSync(file) : undefined
}

export function isCached(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined
}

export function isSameCached(file: string, pair: ListPair): boolean {
  return readWhole(file)?.equals(Buffer.from(contentOf(pair))) === true
}

/** The lists in a file, of whatever issuer; undefined when it is anything else. */
export function readCached(file: string): ListPair | undefined {
  try {
    const bytes = readWhole(file)
    const parsed = bytes && schema.safeParse(parseJson(bytes, 'target', file, VALUES))
    if (parsed?.success !== true) return undefined
    const { baseCRL, deltaCRL } = parsed.data
    const base = parseList(Buffer.from(baseCRL, 'base64'))
    const delta = deltaCRL === undefined ? undefined : parseList(Buffer.from(deltaCRL, 'base64'))
    return { base, delta }
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw writeFault(error, 'OUTPUT_FAILED', file)
  }
}

/** Throws DISK_FULL, OUTPUT_FAILED. */
export function writeCached(file: string, pair: ListPair): void {
  placeFile(file, contentOf(pair), 0o600)
}

/** Throws OUTPUT_FAILED. */
export function removeCached(cache: string, file: string): void {
  try {
    rmSync(file)
    syncFolder(listFolder(cache))
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}
