// Finds, gets and moves one study with dcmjs-dimse and prints what came, as JSON. Arguments: port, study, move destination.
const { Client } = require("dcmjs-dimse");
const { CEchoRequest, CFindRequest, CGetRequest, CMoveRequest } = require("dcmjs-dimse").requests;
const { CStoreResponse } = require("dcmjs-dimse").responses;
const { Status } = require("dcmjs-dimse").constants;

const [port, study, destination] = process.argv.slice(2);
const told = { found: [], got: [], ends: {} };

function ask(name, request, each) {
  return new Promise((resolve, reject) => {
    const client = new Client();
    request.on("response", (response) => {
      if (response.getStatus() === Status.Pending) each?.(response);
      else told.ends[name] = response.getStatus();
    });
    client.on("cStoreRequest", (stored, answer) => {
      told.got.push(stored.getDataset().getElement("SOPInstanceUID"));
      const response = CStoreResponse.fromRequest(stored);
      response.setStatus(Status.Success);
      answer(response);
    });
    client.on("networkError", reject);
    client.on("closed", resolve);
    client.addRequest(request);
    client.send("127.0.0.1", Number(port), "CLINIC1", "TELEMED");
  });
}

async function main() {
  await ask("echo", new CEchoRequest());
  const find = CFindRequest.createStudyFindRequest({ StudyInstanceUID: study, AccessionNumber: "" });
  await ask("find", find, (response) => told.found.push(response.getDataset().getElement("AccessionNumber")));
  await ask("get", CGetRequest.createStudyGetRequest(study));
  await ask("move", CMoveRequest.createStudyMoveRequest(destination, study));
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
