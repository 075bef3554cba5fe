using System.Reflection;

namespace OrleansInference.Tests.Shared.Programs;

/// <summary>The programs under test, where the build has put them.</summary>
internal static class ProgramFiles
{
    public static string Silo => Find("OrleansInference.Silo");

    public static string FrontEnd => Find("OrleansInference.FrontEnd");

    public static string SampleClient => Find("OrleansInference.SampleClient");

    /// <summary>The executable beside the assembly that the project file names.</summary>
    private static string Find(string program)
    {
        var assembly = typeof(ProgramFiles).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == program).Value!;
        return Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
    }
}
