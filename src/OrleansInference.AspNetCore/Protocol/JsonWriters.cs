using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

using Microsoft.Extensions.ObjectPool;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The writers of all answers, a few of which are kept for the next ones.</summary>
internal static class JsonWriters
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Where a writer that is kept would write; it never does.</summary>
    private static readonly ArrayBufferWriter<byte> Nowhere = new();

    private static readonly ObjectPool<Utf8JsonWriter> Pool = new DefaultObjectPool<Utf8JsonWriter>(new Policy());

    /// <summary>A writer to a target. Disposing what is returned gives the writer back; what it has not flushed by then is lost.</summary>
    public static Rented Rent(IBufferWriter<byte> target)
    {
        var writer = Pool.Get();
        writer.Reset(target);
        return new(writer);
    }

    public readonly struct Rented(Utf8JsonWriter writer) : IDisposable
    {
        public Utf8JsonWriter Writer => writer;

        public void Dispose() => Pool.Return(writer);
    }

    private sealed class Policy : PooledObjectPolicy<Utf8JsonWriter>
    {
        public override Utf8JsonWriter Create() => new(Nowhere, Options);

        public override bool Return(Utf8JsonWriter writer)
        {
            writer.Reset(Nowhere);
            return true;
        }
    }
}
