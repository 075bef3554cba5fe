namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>Programs of the machine's, which may be missing.</summary>
internal static class InstalledProgram
{
    /// <returns>The program's file; null where there is none in the folders of the search path and those given.</returns>
    public static string? Find(string name, params IEnumerable<string> folders) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Concat(folders)
        .Where(folder => folder.Length > 0)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);
}
