// The rows of the table are the jobs that nobody has reported on.
const { settings, execution, timestamp } = $('Settings').first().json;
const rows = $input.all().map((item) => item.json).filter((row) => row.jobId);
const left = execution ? rows
  // After a start: those from before it. What has come in since is being worked on.
  : rows.filter((row) => new Date(row.createdAt) < new Date(new Date(timestamp) - 5000));
return left.map((row) => ({
  json: {
    executionId: row.executionId,
    callback: { url: row.callbackUrl, token: row.callbackToken },
    proof: settings.proof,
    report: failure(row, execution ? explain(execution.error)
      : { code: 'engine_restarted', message: 'The picture service was interrupted.', retryable: true }),
  },
}));
