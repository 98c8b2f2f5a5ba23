// What was dropped, with folders opened: a CD of DICOM files arrives as one folder.

const MOST_FILES = 20_000;
const DEEPEST = 12; // folders inside folders

function readEntries(reader) {
  return new Promise((resolve, reject) => {
    reader.readEntries(resolve, reject);
  });
}

async function walk(entry, path, depth, files) {
  if (files.length >= MOST_FILES || depth > DEEPEST) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => {
      entry.file(resolve, reject);
    });
    files.push({ file, path: path + file.name });
    return;
  }
  const reader = entry.createReader();
  for (let entries = await readEntries(reader); entries.length; entries = await readEntries(reader)) {
    for (const inner of entries) await walk(inner, `${path}${entry.name}/`, depth + 1, files);
  }
}

/** {files: [{file, path}], cut} of a DataTransfer; `cut` says that there were more than are taken at once. */
export async function filesOf(transfer) {
  // Entries must be taken before the first await: the browser empties the transfer when the event is over.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  const files = [];
  for (const [index, entry] of entries.entries()) {
    if (entry?.isDirectory) await walk(entry, "", 0, files);
    else if (plain[index]) files.push({ file: plain[index], path: plain[index].name });
  }
  return { files: files.slice(0, MOST_FILES), cut: files.length >= MOST_FILES };
}
