/** Passphrases: from a file or a prompt without echo; never from an argument or the environment. */
import { isatty } from 'node:tty'
import { SallyportError } from '../errors/index.ts'
import { readUpTo } from './capped-file.ts'
import { TypedLine } from './typed-line.ts'

function refused(detail: string): SallyportError {
  return new SallyportError('KEY_PASSPHRASE', { side: 'source', subject: 'passphrase', detail })
}

/** Far above any passphrase; a file without end would fill the memory. */
const CAP = 64 * 1024

function fromFile(file: string): Buffer {
  const read = readUpTo(file, CAP)
  try {
    const end = read.indexOf(0x0a)
    if (end < 0 && read.length === CAP) throw refused(`the first line of ${file} is longer than 64 KiB`)
    const line = end < 0 ? read : read.subarray(0, end)
    return Buffer.from(line.at(-1) === 0x0d ? line.subarray(0, -1) : line)
  } finally {
    read.fill(0)
  }
}

function prompt(text: string): Promise<Buffer> {
  const { stdin, stderr } = process
  return new Promise((resolve, reject) => {
    const typed = new TypedLine()
    stderr.write(text)
    stdin.setRawMode(true)
    stdin.resume()
    const end = (settle: () => void): void => {
      typed.wipe()
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const take = (chunk: Buffer): void => {
      for (const byte of chunk) {
        if (byte === 0x0d || byte === 0x0a) {
          const line = typed.take()
          return end(() => resolve(line))
        }
        if (byte === 0x03 || byte === 0x04)
          return end(() => reject(new SallyportError('INTERRUPTED', { side: 'state' })))
        if (byte === 0x7f || byte === 0x08) typed.back()
        else if (!typed.add(byte)) return end(() => reject(refused('it is longer than 64 KiB')))
      }
    }
    const onData = (chunk: Buffer): void => {
      take(chunk)
      chunk.fill(0)
    }
    stdin.on('data', onData)
  })
}

/**
 * Answers for passphrases: the first line of `file`, else a prompt, asked once per key file.
 * @param option - names the file
 * @param twice - a new passphrase is typed two times, and serves for all keys of the run
 */
export function passphraseSource(
  file: string | undefined,
  twice = false,
  option = '--passphrase-file',
): (keyFile: string) => Promise<Buffer> {
  let shared: Buffer | undefined = file === undefined ? undefined : fromFile(file)
  return async (keyFile) => {
    if (shared !== undefined) return shared
    if (!isatty(0))
      throw new SallyportError('KEY_PASSPHRASE', {
        side: 'source',
        subject: twice ? 'the new key' : keyFile,
        detail: 'there is no terminal to ask on',
        remedy: `name a file with ${option}`,
      })
    if (!twice) return prompt(`Passphrase for ${keyFile}: `)
    const first = await prompt('New passphrase for the keys: ')
    if (first.length === 0) throw refused('it is empty')
    if (!(await prompt('The same again: ')).equals(first)) throw refused('the two differ')
    shared = first
    return first
  }
}
