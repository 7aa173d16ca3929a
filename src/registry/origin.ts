/** Where a registry is dialled: scheme, host and port. Credentials are bound to exactly that. */
import { isHost } from '../oci/index.ts'
import { SallyportError } from '../errors/index.ts'
import { isLoopbackName, type Reach } from './address.ts'
import type { Network } from './network.ts'
import type { Settings } from './options.ts'

export interface Origin {
  /** The host as references name it. */
  host: string
  /** `scheme://host[:port]`, as URL.origin writes it. */
  url: string
  hostname: string
  plain: boolean
  loopback: boolean
  reach: Reach
}

/** Docker Hub is dialled under another name than its references use. */
function dialled(host: string): string {
  return host === 'docker.io' || host === 'index.docker.io' ? 'registry-1.docker.io' : host
}

/** True when a list of `host` or `host:port` names this URL. */
export function isListed(list: readonly string[], url: URL): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return list.some((item) => {
    const name = item.toLowerCase()
    return name === url.hostname || name === url.host || name === `${url.hostname}:${port}`
  })
}

/**
 * The origin of a registry. Plain HTTP only where it was asked for, or on a loopback host that speaks no TLS.
 * Throws REFERENCE_INVALID for what is no host.
 */
export async function findOrigin(host: string, settings: Settings, network: Network): Promise<Origin> {
  const name = dialled(host)
  // The grammar takes ports beyond 65535 and numbers that only look like an address.
  if (!isHost(host) || !URL.canParse(`https://${name}`))
    throw new SallyportError('REFERENCE_INVALID', { side: settings.side, subject: host })
  const secure = new URL(`https://${name}`)
  const open = new URL(`http://${name}`)
  const { hostname } = secure
  const loopback = isLoopbackName(hostname)
  const { plainHttp } = settings
  let plain = typeof plainHttp === 'boolean' ? plainHttp : isListed(plainHttp, open) || plainHttp.includes(host)
  if (!plain && loopback) plain = !(await network.speaksTls(hostname, Number(open.port || '80')))
  return {
    host,
    url: (plain ? open : secure).origin,
    hostname,
    plain,
    loopback,
    reach: await network.reach(hostname),
  }
}
