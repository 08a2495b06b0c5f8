"""What LocalStack finds under LAMBDA_RUNTIME_EXECUTOR=local. It is read at every start: keep it light."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """Gives LocalStack the executor, loaded when the first function needs it."""

    name = "local"

    def load(self, *args, **kwargs):
        from pims_localstack.executor import ProcessExecutor

        return ProcessExecutor
