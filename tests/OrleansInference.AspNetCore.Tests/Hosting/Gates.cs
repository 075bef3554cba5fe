using System.Collections.Concurrent;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>Has a scripted client answer each request only when the test says so, by the request's id.</summary>
internal sealed class Gates
{
    private readonly ConcurrentDictionary<string, Gate> _gates = [];
    private int _running;
    private int _mostRunning;

    public Gates(ScriptedClient client)
    {
        var answer = client.Answer;
        client.Answer = async (request, cancellationToken) =>
        {
            var gate = Of(request.Id!);
            var running = Interlocked.Increment(ref _running);
            lock (_gates) _mostRunning = Math.Max(_mostRunning, running);
            gate.Asked.TrySetResult();
            try
            {
                await gate.Open.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                gate.Cancelled.TrySetResult();
                throw;
            }
            finally
            {
                Interlocked.Decrement(ref _running);
            }

            return await answer(request, cancellationToken);
        };
    }

    /// <summary>The most requests that were under way at once.</summary>
    public int MostRunning
    {
        get
        {
            lock (_gates) return _mostRunning;
        }
    }

    public Task WhenAsked(string id) => Of(id).Asked.Task;

    public Task WhenCancelled(string id) => Of(id).Cancelled.Task;

    public bool IsAsked(string id) => Of(id).Asked.Task.IsCompleted;

    public void Open(string id) => Of(id).Open.TrySetResult();

    private Gate Of(string id) => _gates.GetOrAdd(id, _ => new());

    private sealed record Gate
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
