using System.Buffers;
using System.IO.Pipelines;

using Microsoft.AspNetCore.Http.Features;

namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>A request's body that is always there, whole, and again for the next request.</summary>
internal sealed class FixedPipeReader(ReadOnlyMemory<byte> body) : PipeReader, IRequestBodyPipeFeature
{
    public PipeReader Reader => this;

    public override bool TryRead(out ReadResult result)
    {
        result = new(new ReadOnlySequence<byte>(body), isCanceled: false, isCompleted: true);
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        TryRead(out var result);
        return ValueTask.FromResult(result);
    }

    public override void AdvanceTo(SequencePosition consumed)
    {
    }

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
    }

    public override void CancelPendingRead()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }
}

/// <summary>An answer's body that ends in a buffer, which the next answer uses again.</summary>
internal sealed class FixedPipeWriter(int capacity) : PipeWriter, IHttpResponseBodyFeature
{
    private readonly byte[] _buffer = new byte[capacity];
    private int _written;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _written);

    public Stream Stream => throw new NotSupportedException("Answers are written to the pipe.");

    public PipeWriter Writer => this;

    public void Clear() => _written = 0;

    public override void Advance(int bytes) => _written += bytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer.AsMemory(_written);

    public override Span<byte> GetSpan(int sizeHint = 0) => _buffer.AsSpan(_written);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task CompleteAsync() => Task.CompletedTask;

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("Answers are no files.");
}
