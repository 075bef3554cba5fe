using System.IO.Pipelines;
using System.Runtime.CompilerServices;

using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>
/// Runs the requests of one body, a bounded number of them at once. One that fails has its error for a result, and the others go on.
/// </summary>
internal sealed class ManyInferences(
    IInferenceClient client,
    RequestMemory memory,
    IOptions<FrontDoorOptions> options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<ManyInferences> logger)
{
    /// <summary>Refuses all requests at once where the model cannot answer any.</summary>
    /// <exception cref="InferenceException">The model does not answer, or more than once; or the server is shutting down.</exception>
    public async ValueTask CheckAsync(ModelRoute route, CancellationToken cancellationToken)
    {
        lifetime.RefuseWhenStopping();
        await FindAsync(route, cancellationToken);
    }

    /// <summary>Runs requests as they are read, and reads them as their results are taken.</summary>
    /// <param name="route">The model.</param>
    /// <param name="body">The requests.</param>
    /// <param name="keepOrder">Whether results come in the order of the requests; otherwise they come as they are completed.</param>
    /// <param name="cancellationToken">The caller has left.</param>
    public async IAsyncEnumerable<RequestResult> RunAsync(
        ModelRoute route, PipeReader body, bool keepOrder, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var held = new HeldTensors(memory);
        var results = ReadAsync(route, body, held, CancellationToken.None).FanOutAsync(
            (read, token) => AnswerAsync(read, held, token), new(options.Value.MaxInFlightPerCall, keepOrder), cancellationToken);
        await foreach (var result in results) yield return result;
    }

    private async IAsyncEnumerable<ReadRequest> ReadAsync(
        ModelRoute route, PipeReader body, HeldTensors held, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var documents = new RequestDocuments(body, memory, time);
        using var leaving = cancellationToken.Register(body.CancelPendingRead);
        using var stopping = lifetime.ApplicationStopping.Register(body.CancelPendingRead);
        for (var index = 0L; await ReadOneAsync(index, route, documents, held, cancellationToken) is { } request; index++)
        {
            yield return request;
            if (documents.HasEnded) yield break;
        }
    }

    /// <returns>A request, or why there is none; null where no other follows.</returns>
    private async Task<ReadRequest?> ReadOneAsync(
        long index, ModelRoute route, RequestDocuments documents, HeldTensors held, CancellationToken cancellationToken)
    {
        string? id = null;
        try
        {
            InferCall call;
            ModelDescriptor model;
            DateTimeOffset received;
            using (var document = await documents.ReadAsync())
            {
                if (document is null) return null;
                received = time.GetUtcNow();
                // The model may be another one than it was a request ago.
                model = await FindAsync(route, cancellationToken);
                call = InferRequestReader.ReadOne(document.Value.Bytes, model, options.Value.MaxRequestBytes, ref id);
            }

            held.Hold(call.Inputs);
            return new(index, id, new(call.ToRequest(route.Model, route.Version, received), call, model), null);
        }
        catch (InferenceException refusal)
        {
            return new(index, id, null, refusal);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(index, id, null, ShutdownExtensions.Refusal());
        }
    }

    private async Task<RequestResult> AnswerAsync(ReadRequest read, HeldTensors held, CancellationToken cancellationToken)
    {
        try
        {
            var (request, call, model) = read.Work ?? throw read.Refusal!;
            var response = await client.InferAsync(request, cancellationToken);
            return new(read.Index, StatusCodes.Status200OK, new(call, response, InferResponseWriter.ToOutputs(call, response, model)));
        }
        catch (InferenceException exception)
        {
            return Fail(read, ErrorMiddleware.StatusOf(exception.Error), exception);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.OneOfManyFailed(logger, exception, read.Index);
            return Fail(read, StatusCodes.Status500InternalServerError, exception);
        }
        finally
        {
            if (read.Work is { } work) held.Release(work.Call.Inputs);
        }
    }

    private static RequestResult Fail(ReadRequest read, int status, Exception exception) =>
        new(read.Index, status, null, RequestId.Prefix(read.Id, exception.Message));

    private async ValueTask<ModelDescriptor> FindAsync(ModelRoute route, CancellationToken cancellationToken)
    {
        var model = await client.GetDescriptorAsync(route.Model, route.Version, cancellationToken);
        return model.IsDecoupled
            ? throw new InferenceException(
                InferenceError.InvalidArgument,
                $"infer_many expects model '{route.Model}' to answer a request once, but it answers more often: use infer or generate_stream")
            : model;
    }

    /// <param name="Index">Which of the requests it is.</param>
    /// <param name="Id">The caller's own name for it.</param>
    /// <param name="Work">What to run; null where it is refused.</param>
    /// <param name="Refusal">Why.</param>
    private sealed record ReadRequest(
        long Index, string? Id, (InferenceRequest Request, InferCall Call, ModelDescriptor Model)? Work, InferenceException? Refusal);
}
