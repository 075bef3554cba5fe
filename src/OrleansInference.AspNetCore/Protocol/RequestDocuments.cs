using System.Buffers;
using System.IO.Pipelines;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// The documents of a body with many, one after the other. Each is gathered as a body by itself would be, and held to the same limits: one
/// that exceeds them is passed over without being held, and the next one can be read.
/// </summary>
internal sealed class RequestDocuments(PipeReader body, RequestMemory memory, TimeProvider time)
{
    /// <summary>
    /// How long the rest of a document that has begun is waited for, byte by byte: what is there of it is held meanwhile. The next document may
    /// take as long as it likes.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly RequestSplitter _splitter = new();
    private bool _isPassingOver;
    private bool _hasWaitedInVain;

    /// <summary>Whether nothing can be read any more: the body has ended, or what was thrown is about all that is left of it.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Reads the next document, which is to be disposed before the one behind it is read.</summary>
    /// <returns>The document; null at the end.</returns>
    /// <exception cref="InferenceException">The document is refused, or the body is not what it should be.</exception>
    /// <exception cref="OperationCanceledException">The body's reader was told to wait no longer.</exception>
    public async ValueTask<RequestBody?> ReadAsync()
    {
        var held = 0L;
        HasEnded = true;
        try
        {
            while (true)
            {
                var read = await ReadMoreAsync(isWaitedFor: held > 0 || _isPassingOver);
                var isWhole = TrySplit(read, out var document);
                if (_isPassingOver)
                {
                    PassOver(document, isWhole);
                }
                else if ((memory.Check(document.Length) ?? Hold(document.Length, ref held)) is { } refusal)
                {
                    PassOver(document, isWhole);
                    HasEnded = false;
                    throw refusal;
                }
                else if (isWhole)
                {
                    HasEnded = false;
                    held = 0;
                    return new(body, memory, document);
                }
                else
                {
                    body.AdvanceTo(document.Start, document.End);
                    if (read.IsCompleted) return null;
                }
            }
        }
        finally
        {
            memory.Release(held);
        }
    }

    private async ValueTask<ReadResult> ReadMoreAsync(bool isWaitedFor)
    {
        if (!isWaitedFor) return await RequestBody.ReadMoreAsync(body);
        await using var patience = time.CreateTimer(
            _ =>
            {
                _hasWaitedInVain = true;
                body.CancelPendingRead();
            },
            null,
            Patience,
            Timeout.InfiniteTimeSpan);
        return await RequestBody.ReadMoreAsync(body);
    }

    private bool TrySplit(ReadResult read, out ReadOnlySequence<byte> document)
    {
        try
        {
            return read.IsCanceled ? throw WhyCancelled() : _splitter.TryRead(read.Buffer, read.IsCompleted, out document);
        }
        catch
        {
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            throw;
        }
    }

    private Exception WhyCancelled() => _hasWaitedInVain
        ? new InferenceException(
            InferenceError.DeadlineExceeded, $"the rest of the request has not come for {Patience.TotalSeconds:F0} s; no other one is read")
        : new OperationCanceledException();

    private void PassOver(ReadOnlySequence<byte> document, bool isWhole)
    {
        _isPassingOver = !isWhole;
        if (!isWhole) _splitter.Drop();
        body.AdvanceTo(document.End);
    }

    private InferenceException? Hold(long length, ref long held)
    {
        if (!memory.TryHold(length - held, out var refusal)) return refusal;
        held = length;
        return null;
    }
}
