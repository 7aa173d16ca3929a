/** Documents of a few MiB that are made to take gigabytes once they are read: of nothing but items, right or wrong. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const HOME = join(import.meta.dirname, '..', '..')

/** What a reader says of a document, in a process whose heap has so many MiB. */
function said(heap: number, imports: string, read: string): string {
  const module = `${imports}
    const items = (item, bytes) => Array(Math.floor(bytes / (item.length + 1))).fill(item).join()
    const MIB = 1024 * 1024
    try { ${read} } catch (error) { console.log(error.code) }`
  const options = [`--max-old-space-size=${heap}`, '--input-type=module-typescript', '-e', module]
  const { stdout, stderr, status } = spawnSync(process.execPath, options, { cwd: HOME, encoding: 'utf8' })
  assert.equal(status, 0, stderr.slice(-2000))
  return stdout.trim()
}

describe('review/crowded-documents', function () {
  this.timeout(120_000)

  it('are refused within 512 MiB: a promise', () => {
    const imports = `
      import { parseTransfer } from './src/bundle/transfer.ts'`
    const read = (item: string): string => `parseTransfer(Buffer.from('{"format":"sallyport/1","requires":[],' +
      '"prerequisites":[' + items('${item}', 8 * MIB) + ']}'))`
    assert.equal(said(512, imports, read('0')), 'TRANSFER_MALFORMED')
    assert.equal(said(512, imports, read('{}')), 'TRANSFER_MALFORMED')
  })

  it('are refused within 512 MiB: denials', () => {
    const imports = `
      import { readDenials } from './src/revocation/index.ts'`
    const read = `readDenials(Buffer.from('{"format":"sallyport-denials/1","denials":[' + items('{}', 8 * MIB - 100) + ']}'))`
    assert.equal(said(512, imports, read), 'LIMIT_EXCEEDED')
    assert.equal(said(512, imports, read.replace('8 * MIB', 'MIB')), 'DENIALS_MALFORMED')
  })

  it('are refused within 512 MiB: trust information', () => {
    const imports = `
      import { readChains } from './src/transfer/trust/document.ts'
      import { readTrustMaterial } from './src/trust/index.ts'`
    const chains = `readChains(Buffer.from('{"certificates":[' + items('0', 7 * MIB) + ']}'))`
    assert.equal(said(512, imports, chains), 'LIMIT_EXCEEDED')
    assert.equal(said(512, imports, chains.replace('7 * MIB', '200_000')), 'CERTIFICATE_FILE')
    const policy = `readTrustMaterial(new Map([['trustpolicy.json', Buffer.from('{"version":"1.0","trustPolicies":[' +
      items('{"registryScopes":[0,0,0,0,0,0,0,0,0,0]}', 4 * MIB - 100) + ']}')]]))`
    assert.equal(said(512, imports, policy), 'POLICY_MALFORMED')
    assert.equal(said(512, imports, policy.replace('4 * MIB', 'MIB / 2')), 'POLICY_MALFORMED')
  })

  it('are refused within 1 GiB: the indexes of a layout', () => {
    const imports = `
      import { LayoutGraph } from './src/content/layout-graph.ts'
      import { digestOf, OCI_INDEX } from './src/oci/index.ts'`
    const read = `
      const graph = new LayoutGraph({ place: 'layout', side: 'source', open: () => undefined, close: () => undefined })
      const child = '{"mediaType":"a/b","digest":"sha256:' + '0'.repeat(64) + '","size":1}'
      for (let i = 0; i < 200; i++) {
        const text = '{"schemaVersion":2,"annotations":{"i":"' + i + '"},"manifests":[' + items(child, 4 * MIB - 200) + ']}'
        const bytes = Buffer.from(text)
        graph.add({ mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length }, bytes)
      }`
    assert.equal(said(1024, imports, read), 'GRAPH_TOO_LARGE')
  })

  it('are refused within 512 MiB: a signature', () => {
    const imports = `
      import { readJws } from './src/signature/jws.ts'`
    const read = `readJws(Buffer.from('{"payload":[' + items('{}', 32 * MIB - 100) + ']}'))`
    assert.equal(said(512, imports, read), 'ENVELOPE_MALFORMED')
  })
})
