// The bytes that are signed and sent are these, once: no node may write the JSON anew.
return $input.all().map((item, index) => {
  const { callback, proof, report, executionId } = item.json;
  const body = JSON.stringify(report);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const id = `${report.jobId}-${report.status}`;
  return {
    json: {
      url: callback.url, token: callback.token, signed: proof === 'signature', executionId,
      body, id, timestamp, content: `${id}.${timestamp}.${body}`,
      callback, proof, report,
    },
    pairedItem: index,
  };
});
