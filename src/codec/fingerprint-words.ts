/**
 * Fingerprints as words, to be read aloud or off paper: one word for each byte. No two words begin with the same four
 * letters or differ by one letter alone; the order of the list is the value of the byte and never changes.
 */

const WORDS: readonly string[] = `
  acorn actor adult agent alarm album alpha amber anchor angle apple april arch arena armor arrow atlas attic
  august autumn badge baker bamboo banjo barrel basket beacon beetle bishop blanket bolt bonus border bottle
  branch bread bridge bronze brush bucket buffalo butter cabin cactus camel canal candle canvas carbon carpet
  castle cedar cellar chalk cherry chimney circus clay clinic clover cobalt cocoa coffee comet copper coral
  cotton cousin cradle crater cricket crystal curtain dagger daisy dancer decade delta denim desert diesel dinner
  doctor dolphin donkey dragon drummer eagle earth echo elbow elephant emerald engine envelope estate evening
  fabric falcon family feather fiddle flag flute forest fossil fox friday frost galaxy garden garlic ginger
  giraffe glacier goblet gold grape gravel guitar hammer harbor harvest hazel helmet hermit hockey honey horizon
  hotel hunter iceberg igloo indigo island ivory jacket jaguar jasmine jelly jewel jigsaw jungle kayak kernel
  kettle kitchen koala ladder lagoon lantern laptop lava lemon leopard library lily lizard lobster lotus lumber
  magnet mango maple marble meadow melon mercury mirror mosaic mountain museum mustard napkin nectar needle
  nickel noodle nugget nutmeg oasis ocean octopus olive onion opera orange orchid otter oyster palace panda paper
  parrot pebble pencil pepper piano pigeon pilot planet polar poppy potato prairie puzzle quartz quiver rabbit
  radar rainbow raven ribbon river rocket rodeo saddle salmon sandal saturn scooter shadow silver spider sugar
  sunset temple thicket thunder tiger timber tomato topaz tractor trumpet tulip turtle umbrella uncle valley
  vanilla velvet village violin wagon walnut walrus water weasel willow window winter yellow yogurt zebra zipper
`
  .trim()
  .split(/\s+/)

const VALUES: ReadonlyMap<string, number> = new Map(WORDS.map((word, value) => [word, value]))

/** The words of a fingerprint, one for each byte. @param hex - two digits a byte, without a prefix */
export function fingerprintWords(hex: string): string[] {
  return [...Buffer.from(hex, 'hex')].map((byte) => WORDS[byte] ?? '')
}

/**
 * The SHA-256 fingerprint that a person said, as lower-case hex, or undefined when it is none. Taken are `sha256:` and
 * hex, hex alone, hex with colons between the bytes, and the 32 words with anything but letters between them.
 * A part of a fingerprint is none: what is short can be met by trying.
 */
export function parseFingerprint(text: string): string | undefined {
  const plain = text.trim().toLowerCase()
  const hex = plain.replace(/^sha256:/, '').replaceAll(/(?<=[0-9a-f]{2}):(?=[0-9a-f]{2})/g, '')
  if (/^[0-9a-f]{64}$/.test(hex)) return hex
  const bytes = plain
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
    .map((word) => VALUES.get(word))
  if (bytes.length !== 32) return undefined
  const known = bytes.filter((byte) => byte !== undefined)
  return known.length === 32 ? Buffer.from(known).toString('hex') : undefined
}
