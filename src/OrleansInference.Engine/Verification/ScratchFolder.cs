namespace OrleansInference.Engine.Verification;

/// <summary>A temporary folder for one child process: where that is killed, it cannot clear away what it has written.</summary>
internal sealed class ScratchFolder : IDisposable
{
    /// <summary>Where programs on Unix, and on Windows, look for theirs.</summary>
    private static readonly string[] Variables = ["TMPDIR", "TMP", "TEMP"];

    private readonly DirectoryInfo _folder;

    private ScratchFolder(DirectoryInfo folder) => _folder = folder;

    /// <returns>Null where none can be made: most models need none.</returns>
    public static ScratchFolder? TryCreate()
    {
        try
        {
            return new(Directory.CreateTempSubdirectory("orleans-inference-"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Hand(IDictionary<string, string?> environment)
    {
        foreach (var variable in Variables) environment[variable] = _folder.FullName;
    }

    public void Dispose()
    {
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What is being killed may still have written there.
        }
    }
}
