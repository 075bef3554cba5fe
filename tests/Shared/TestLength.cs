namespace OrleansInference.Tests.Shared;

/// <summary>Tests that can run for longer than they do each time, by the environment variable <c>TESTS</c>.</summary>
internal static class TestLength
{
    /// <summary>Whether they run for as long as they are meant to.</summary>
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("TESTS") == "full";
}
