// What was dropped, with folders opened: a CD of DICOM files arrives as one folder.

/** @typedef {{file: File, path: string}} DroppedFile */

const MAX_FILES = 20_000;
const DEEPEST = 12; // folders inside folders

/**
 * @param {FileSystemDirectoryReader} reader
 * @returns {Promise<FileSystemEntry[]>}
 */
function readEntries(reader) {
  return new Promise((resolve, reject) => {
    reader.readEntries(resolve, reject);
  });
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function fileOf(entry) {
  return new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} path
 * @param {number} depth
 * @param {DroppedFile[]} files
 */
async function walk(entry, path, depth, files) {
  if (files.length >= MAX_FILES || depth > DEEPEST) return;
  if (entry instanceof FileSystemFileEntry) {
    const file = await fileOf(entry);
    files.push({ file, path: path + file.name });
    return;
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return;
  const reader = entry.createReader();
  for (let entries = await readEntries(reader); entries.length; entries = await readEntries(reader)) {
    for (const inner of entries) await walk(inner, `${path}${entry.name}/`, depth + 1, files);
  }
}

/**
 * {files: [{file, path}], cut} of a DataTransfer; `cut` says that there were more than are taken at once.
 * @param {DataTransfer} transfer
 */
export async function filesOf(transfer) {
  // Entries must be taken before the first await: the browser empties the transfer when the event is over.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  /** @type {DroppedFile[]} */
  const files = [];
  for (const [index, entry] of entries.entries()) {
    if (entry?.isDirectory) await walk(entry, "", 0, files);
    else if (plain[index]) files.push({ file: plain[index], path: plain[index].name });
  }
  return { files: files.slice(0, MAX_FILES), cut: files.length >= MAX_FILES };
}
