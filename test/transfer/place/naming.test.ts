import assert from 'node:assert/strict'
import { isFault } from '../../../src/errors/index.ts'
import { fault } from '../../fault.ts'
import { demandUsed, mapRepository, parseMapping, refuseCollisions } from '../../../src/transfer/place/naming.ts'

describe('transfer/place/naming', () => {
  it('takes the longest mapping that ends where a part of the name ends', () => {
    const map = [
      { from: 'ghcr.io', to: 'mirror' },
      { from: 'ghcr.io/acme/app', to: 'app' },
      { from: 'ghcr.io/acme/', to: 'vendor/' },
      { from: 'quay.io', to: '' },
    ]
    for (const [name, to] of [
      ['ghcr.io/acme/app', 'app'],
      ['ghcr.io/acme/app/sub', 'app/sub'],
      ['ghcr.io/acme/application', 'vendor/application'],
      ['ghcr.io/other/app', 'mirror/other/app'],
      ['ghcr.io.evil.example/acme/app', 'acme/app'],
      ['quay.io/a/b', 'a/b'],
      ['docker.io/library/alpine', 'library/alpine'],
      ['registry.site:5000/x', 'x'],
    ] as const)
      assert.equal(mapRepository(name, map), to, name)
    assert.equal(mapRepository('quay.io/a', [], 'the/sender/said'), 'the/sender/said')
  })

  it('makes no path that a registry could read as another', () => {
    for (const to of ['../up', 'a/../b', 'A', 'a b', 'a//b', 'a:b', 'a@b', '.', `${'a/'.repeat(200)}a`])
      assert.throws(
        () => mapRepository('ghcr.io/acme', [{ from: 'ghcr.io/acme', to }]),
        (error) => isFault(error, 'MAP_INVALID'),
        to,
      )
  })

  it('reads FROM=TO, and takes only the first equals sign for it', () => {
    assert.deepEqual(parseMapping('ghcr.io/a=b'), { from: 'ghcr.io/a', to: 'b' })
    assert.deepEqual(parseMapping('a='), { from: 'a', to: '' })
    for (const text of ['', 'a', '=b', 'a=B', 'a=../b', 'a=b//c'])
      assert.throws(
        () => parseMapping(text),
        (error) => isFault(error, 'MAP_INVALID'),
        text,
      )
  })

  it('refuses a mapping that is for none of the names', () => {
    const names = ['ghcr.io/acme/app', 'quay.io/a']
    demandUsed(
      [
        { from: 'ghcr.io/acme/', to: 'b' },
        { from: 'quay.io/a', to: '' },
        { from: 'local', to: 'c' },
      ],
      names,
      ['local/sallyport/trust/a'],
    )
    for (const from of ['ghcr.io/acm', 'ghcr.io/acme/app/sub', 'acme/app'])
      assert.throws(() => demandUsed([{ from, to: 'b' }], names, []), fault('MAP_INVALID', `${from}=b`), from)
  })

  it('refuses two names for one path, and lets one name come twice', () => {
    refuseCollisions([
      ['a/x', 'x'],
      ['a/x', 'x'],
      ['a/y', 'y'],
    ])
    assert.throws(
      () =>
        refuseCollisions([
          ['a/x', 'x'],
          ['b/x', 'x'],
        ]),
      (error) => isFault(error, 'TARGET_COLLISION') && error.subject === 'x',
    )
  })
})
