// The service did not take the report. Where that can pass, and there is time, it is
// tried again; else the execution fails, for somebody to see.
const { error } = $input.first().json;
const { callback, proof, report } = $('Proof').first().json;
const status = Number(error?.status ?? error?.httpCode ?? 0);
const passes = status === 0 || status === 408 || status === 429 || status >= 500;
if (!passes || Date.now() > Date.parse($('Read job').first().json.job.deadline)) {
  throw new Error(`The service did not take the report of job ${report.jobId}: ${status || error?.message || 'no answer'}`);
}
return [{ json: { callback, proof, report } }];
