import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passphraseSource } from '../../src/cli/passphrase.ts'
import { isFault } from '../../src/errors/index.ts'

describe('cli/passphrase', () => {
  let folder = ''
  let file = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-passphrase-'))
    file = join(folder, 'pass')
  })
  after(() => rmSync(folder, { recursive: true }))

  const given = async (content: string | Buffer): Promise<string> => {
    writeFileSync(file, content)
    return (await passphraseSource(file)('key.pem')).toString()
  }

  it('gives the first line of a file, without its end', async () => {
    assert.equal(await given('correct horse'), 'correct horse')
    assert.equal(await given('correct horse\nbattery\n'), 'correct horse')
    assert.equal(await given('correct horse\r\nbattery'), 'correct horse')
    assert.equal(await given(' two  blanks \n'), ' two  blanks ')
    assert.equal(await given(''), '')
    assert.equal(await given(`short\n${'x'.repeat(200_000)}`), 'short')
  })

  it('reads a pipe, as a shell gives one', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const writer = spawn('sh', ['-c', 'printf "correct "; sleep 0.1; echo horse'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const filler = spawn('sh', ['-c', 'cat > "$0"', pipe], { stdio: [writer.stdout, 'ignore', 'ignore'] })
    assert.equal((await passphraseSource(pipe)('key.pem')).toString(), 'correct horse')
    filler.kill()
  })

  it('refuses a line without end, and a file that is not there', () => {
    writeFileSync(file, 'x')
    truncateSync(file, 8 * 1024 ** 3)
    assert.throws(
      () => passphraseSource(file),
      (error) => isFault(error, 'KEY_PASSPHRASE'),
    )
    assert.throws(
      () => passphraseSource(join(folder, 'none')),
      (error) => isFault(error, 'FILE_UNREADABLE'),
    )
    assert.throws(
      () => passphraseSource(folder),
      (error) => isFault(error, 'FILE_UNREADABLE'),
    )
  })
})
