/** How far an address reaches: what keeps a public registry from sending us into private networks (SSRF). */
import { BlockList, isIP, isIPv6 } from 'node:net'

/** 0: this machine or link (loopback, link-local, unspecified, multicast); 1: a private network; 2: public. */
export type Reach = 0 | 1 | 2

function blockList(...ranges: string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return list
}

const HERE = blockList('0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8')
// 64:ff9b::/96, its local use 64:ff9b:1::/48, 2002::/16, 2001::/32 and the two old forms ::/96 and ::ffff:0:0:0/96 hold an
// IPv4 address that a gateway would dial for us; fec0::/10 was what fc00::/7 is.
const PRIVATE = blockList(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
  'fc00::/7',
  'fec0::/10',
)

/** The reach of an IP address. An IPv4 address inside IPv6 counts as itself. */
export function reachOf(address: string): Reach {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (HERE.check(address, family)) return 0
  return PRIVATE.check(address, family) ? 1 : 2
}

/** The IP address a URL's host name is, or undefined for a name that must be looked up. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

/** True for the hosts that are this machine by their name alone. */
export function isLoopbackName(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true
  return literalAddress(hostname)?.startsWith('127.') === true
}
