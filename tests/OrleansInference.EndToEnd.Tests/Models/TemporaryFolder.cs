namespace OrleansInference.EndToEnd.Tests.Models;

/// <summary>A folder of one test's own, gone with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orleans-inference-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
