using System.IO.Pipelines;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>A response's body that counts what is written between two flushes.</summary>
internal sealed class CountingBody : IHttpResponseBodyFeature
{
    private readonly StreamResponseBodyFeature _inner;

    public CountingBody()
    {
        _inner = new(Content);
        Counter = new(_inner.Writer);
    }

    public MemoryStream Content { get; } = new();

    public Pipe Counter { get; }

    public Stream Stream => Content;

    public PipeWriter Writer => Counter;

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => _inner.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task CompleteAsync() => _inner.CompleteAsync();

    internal sealed class Pipe(PipeWriter inner) : PipeWriter
    {
        private long _unflushed;

        public long MostUnflushed { get; private set; }

        public int Flushes { get; private set; }

        public override void Advance(int bytes)
        {
            _unflushed += bytes;
            MostUnflushed = Math.Max(MostUnflushed, _unflushed);
            inner.Advance(bytes);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            _unflushed = 0;
            Flushes++;
            return inner.FlushAsync(cancellationToken);
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
