/** Key files that open at once. What a passphrase costs a thief is none of the things that a kill can break. */
import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Seals each key of a channel's folder anew under the same passphrase, by node's own few rounds. */
export function cheapenKeys(dir: string, passphrase: string): void {
  for (const name of readdirSync(dir).filter((one) => one.endsWith('.pem'))) {
    const file = join(dir, name)
    const key = createPrivateKey({ key: readFileSync(file), passphrase })
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }))
  }
}
