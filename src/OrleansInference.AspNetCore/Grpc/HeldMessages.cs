using System.IO.Pipelines;

using Grpc.AspNetCore.Server;
using Grpc.Core;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>
/// Counts the bytes of messages as they arrive, together with those of REST's bodies, until the gRPC library has made a message of them.
/// It does so before any of the service's own code is asked, hence around the body that it reads.
/// </summary>
internal sealed class HeldMessages(RequestDelegate next, RequestMemory memory)
{
    /// <summary>Whether a request is a call, and its body messages.</summary>
    public static bool IsCall(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not null;

    public async Task InvokeAsync(HttpContext context)
    {
        using var body = new CountedReader(context.Request.BodyReader, memory);
        context.Features.Set<IRequestBodyPipeFeature>(body);
        await next(context);
    }

    private sealed class CountedReader(PipeReader body, RequestMemory memory) : PipeReader, IRequestBodyPipeFeature, IDisposable
    {
        private ReadResult _last;
        private long _held;

        public PipeReader Reader => this;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            Count(await body.ReadAsync(cancellationToken));

        public override bool TryRead(out ReadResult result)
        {
            if (!body.TryRead(out result)) return false;
            Count(result);
            return true;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            Release(_held - _last.Buffer.Slice(consumed).Length);
            body.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => body.CancelPendingRead();

        public override void Complete(Exception? exception = null) => body.Complete(exception);

        public void Dispose() => Release(_held);

        private ReadResult Count(ReadResult read)
        {
            var growth = read.Buffer.Length - _held;
            if (!memory.TryHold(growth, out var refusal))
            {
                body.AdvanceTo(read.Buffer.End);
                Release(_held);
                // Nothing stands between the library and the caller yet that would make a status of the exception.
                throw new RpcException(
                    new(ErrorInterceptor.StatusOf(refusal.Error), refusal.Message),
                    new Metadata { { ErrorInterceptor.RetryTrailer, ErrorInterceptor.RetryAfterMilliseconds } });
            }

            _held += growth;
            _last = read;
            return read;
        }

        private void Release(long bytes)
        {
            memory.Release(bytes);
            _held -= bytes;
        }
    }
}
