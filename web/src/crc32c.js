// CRC-32C (Castagnoli), the checksum with which the store checks parts. Eight
// tables take eight bytes a step.
const tables = makeTables();

function makeTables() {
  const all = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    all[0][n] = c >>> 0;
  }
  for (let n = 0; n < 256; n++) {
    for (let k = 1; k < 8; k++) all[k][n] = (all[k - 1][n] >>> 8) ^ all[0][all[k - 1][n] & 255];
  }
  return all;
}

/** The CRC of what was before, crc, and these bytes; 0 for nothing before. */
export function crc32c(crc, bytes) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let c = ~crc, i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    c ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    c = t7[c & 255] ^ t6[(c >>> 8) & 255] ^ t5[(c >>> 16) & 255] ^ t4[c >>> 24]
      ^ t3[bytes[i + 4]] ^ t2[bytes[i + 5]] ^ t1[bytes[i + 6]] ^ t0[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) c = t0[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

/** The CRC of a blob as the store wants it: four bytes, big-endian, in base64. */
export async function checksum(blob) {
  const reader = blob.stream().getReader(); // a part may be larger than memory likes
  let crc = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) crc = crc32c(crc, chunk.value);
  return btoa(String.fromCharCode(crc >>> 24, (crc >>> 16) & 255, (crc >>> 8) & 255, crc & 255));
}
