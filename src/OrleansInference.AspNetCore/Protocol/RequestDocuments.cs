using System.Buffers;
using System.IO.Pipelines;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>
/// The documents of a body with many, one after the other. Each is gathered as a body by itself would be, and held to the same limits: one
/// that exceeds them is passed over without being held, and the next one can be read.
/// </summary>
internal sealed class RequestDocuments(PipeReader body, RequestMemory memory)
{
    private readonly RequestSplitter _splitter = new();
    private bool _isPassingOver;

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
                var read = await RequestBody.ReadMoreAsync(body);
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

    private bool TrySplit(ReadResult read, out ReadOnlySequence<byte> document)
    {
        try
        {
            return read.IsCanceled ? throw new OperationCanceledException() : _splitter.TryRead(read.Buffer, read.IsCompleted, out document);
        }
        catch
        {
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            throw;
        }
    }

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
