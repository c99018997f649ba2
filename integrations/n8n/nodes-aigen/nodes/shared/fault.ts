/**
 * Something that the author of a workflow can mend: what is wrong, and what to do. The nodes show it
 * as a NodeOperationError.
 */
export class Fault extends Error {
	constructor(
		message: string,
		readonly advice: string,
	) {
		super(message);
	}
}
