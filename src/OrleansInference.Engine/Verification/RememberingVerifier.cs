using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Verification;

/// <summary>
/// Has a verifier look at the same thing once: a version of which another, with the same files and the same network's inputs and outputs,
/// has passed in this process. What has failed is verified again, since its reason may name the model, and may be gone.
/// </summary>
/// <param name="verifier">Verifies what is new.</param>
/// <param name="capacity">How many digests of what has passed are remembered; one more has the oldest forgotten.</param>
internal sealed class RememberingVerifier(IModelVerifier verifier, int capacity = RememberingVerifier.DefaultCapacity) : IModelVerifier
{
    public const int DefaultCapacity = 16_384;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _passed = new(StringComparer.Ordinal);
    private readonly Queue<string> _oldestFirst = new();
    private readonly Dictionary<string, Task> _underWay = new(StringComparer.Ordinal);

    public async Task<string?> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        // Without a digest there is nothing to remember it by; the verifier says what is wrong with the file.
        if (await DigestAsync(version, cancellationToken) is not { } digest) return await verifier.VerifyAsync(version, cancellationToken);
        var verified = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? other;
        lock (_gate)
        {
            if (_passed.Contains(digest)) return null;
            if (!_underWay.TryGetValue(digest, out other)) _underWay.Add(digest, verified.Task);
        }

        if (other is not null)
        {
            await other.WaitAsync(cancellationToken);
            lock (_gate)
            {
                if (_passed.Contains(digest)) return null;
            }

            // The other has not passed, or has given up: this one is verified for itself, beside all that have waited too.
            return await VerifyNewAsync(version, digest, cancellationToken);
        }

        try
        {
            return await VerifyNewAsync(version, digest, cancellationToken);
        }
        finally
        {
            lock (_gate) _underWay.Remove(digest);
            verified.SetResult();
        }
    }

    private async Task<string?> VerifyNewAsync(ModelVersion version, string digest, CancellationToken cancellationToken)
    {
        var reason = await verifier.VerifyAsync(version, cancellationToken);
        // A file that was changed meanwhile may not be the one that has passed.
        if (reason is null && await DigestAsync(version, cancellationToken) == digest) Remember(digest);
        return reason;
    }

    private void Remember(string digest)
    {
        lock (_gate)
        {
            if (!_passed.Add(digest)) return;
            _oldestFirst.Enqueue(digest);
            if (_oldestFirst.Count > capacity) _passed.Remove(_oldestFirst.Dequeue());
        }
    }

    /// <summary>What stands for the version's files and for all of its configuration that a verification depends on; null where it cannot be read.</summary>
    private static Task<string?> DigestAsync(ModelVersion version, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            try
            {
                using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                digest.AppendData(Encoding.UTF8.GetBytes($"{version.Config.Platform}\n{Describe(version.Network)}"));
                digest.AppendData(JsonSerializer.SerializeToUtf8Bytes(version.Config.Warmup));
                var samples = version.Config.Warmup.SelectMany(sample => sample.Inputs).Select(input => input.File).OfType<string>();
                foreach (var file in samples) Append(digest, Path.Combine(version.ModelFolder, WarmupReader.Folder, file));
                Append(digest, version.ModelPath);
                // An ONNX model's weights may lie in files beside it.
                var folder = Path.GetDirectoryName(version.ModelPath)!;
                foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                {
                    if (file == version.ModelPath) continue;
                    var name = Path.GetRelativePath(folder, file);
                    digest.AppendData(Encoding.UTF8.GetBytes($"{name.Length}:{name}"));
                    Append(digest, file);
                }

                return Convert.ToHexString(digest.GetHashAndReset());
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        },
        cancellationToken);

    private static void Append(IncrementalHash digest, string path)
    {
        using var file = File.OpenRead(path);
        digest.AppendData(SHA256.HashData(file));
    }

    /// <summary>The names come last and behind their length, so that none can pass for another tensor.</summary>
    private static string Describe(ModelSignature network)
    {
        var text = new StringBuilder().Append(network.MaxBatchSize);
        foreach (var (kind, tensors) in new[] { ("in", network.Inputs), ("out", network.Outputs) })
        {
            foreach (var tensor in tensors)
            {
                text.Append('\n').Append(kind).Append(' ').Append(tensor.DataType.ToProtocolName())
                    .Append(tensor.AnyRank ? "[*]" : TensorShape.Format(tensor.Shape))
                    .Append(tensor.Name.Length).Append(':').Append(tensor.Name);
            }
        }

        return text.ToString();
    }
}
